@cluster @US3.1 @SC-004 @FR-006
Feature: The chart's life
  As an operator
  I want to install, change, take back and remove the application with its chart
  so that people who use it notice nothing, and nothing stays behind.

  Scenario: An earlier version of the chart is upgraded
    Given a second installation, by the version of the chart before this one
    And an account with a todo in it
    And people who use it all the time
    When it is upgraded to the present chart
    Then it is what the present chart describes
    And the todo is still there
    And not one request was lost

  Scenario: Installing it again changes nothing
    Given a second installation of the application
    When the chart is installed again with the same values
    Then a new revision is deployed
    But no object of it has changed
    And no pod of it was replaced or started again

  Scenario: A new version is rolled out and taken back
    Given a second installation of the application
    And people who use it all the time
    When it is upgraded to images with another tag
    Then every pod of it is new and runs the images with that tag
    When it is rolled back to the revision before
    Then it is as it was before the upgrade
    And not one request was lost

  Scenario Outline: An upgrade that brings <defect> is named and taken back
    Given a second installation of the application
    And people who use it all the time
    When an upgrade brings <defect>
    Then that is given up within 20 seconds, because <cause>
    And the pods of before still serve
    When it is rolled back to the revision before
    Then it is as it was before the upgrade
    And not one request was lost

    Examples:
      | defect                                        | cause                    |
      | an image that does not exist                  | the image cannot be had  |
      | a setting with which the backend cannot start | the backend ends at once |

  Scenario: The backend is scaled to two, and back
    Given a second installation of the application
    And people who use it all the time
    When the backend of it is scaled to 2
    Then requests are answered by 2 pods of the backend
    And no pod of before was replaced
    When the backend of it is scaled to 1
    Then requests are answered by 1 pod of the backend
    And not one request was lost

  Scenario: Other limits reach the containers that they are for
    Given a second installation of the application
    When the backend of it may use "320Mi" of memory
    Then the containers of the backend run with that limit
    And only the pods of the backend were replaced

  @FR-005
  Scenario: Another address of the backend takes effect without another image
    Given the application is installed by its chart
    And a second installation of the application
    And an account in it
    When the ConfigMap of the second names the backend of the first
    Then the second frontend is answered by the backend of the first
    And only the pods of the frontend were replaced
    And the images are those of before

  @FR-005
  Scenario: Another signing secret takes effect without another image
    Given a second installation of the application
    And an account with a todo in it
    When the secret that signs its tokens is changed
    Then the account's token of before is refused
    But whoever signs in again finds the todo
    And the images are those of before

  Scenario: Uninstalling leaves nothing behind
    Given the application is installed by its chart
    And the cluster without a second installation
    When a second one is installed, tested and uninstalled
    Then nothing of it is left in the cluster, of whatever kind
    And the first installation runs on untouched
