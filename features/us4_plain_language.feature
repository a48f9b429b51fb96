@cluster
Feature: Looking after the application in plain language
  As an operator
  I want to say in my own words what I need
  so that I can look after the application without knowing the cluster's commands.

  @US4.1 @FR-008 @SC-005 @disruptive
  Scenario: The backend is scaled on request
    Given the application is installed by its chart
    And an operator who may touch nothing but the application
    When the operator asks "Scale the backend to 2 replicas"
    Then 2 pods of the backend are ready

  @US4.1 @FR-008 @SC-005
  Scenario: What is not running is found on request
    Given the application is installed by its chart
    And an operator who may touch nothing but the application
    And a pod beside the application that cannot start
    When the operator asks "Which pods are not running?"
    Then the answer names that pod
    And the cluster has told its name

  @US4.1 @FR-008 @SC-005
  Scenario: Why a pod fails is found on request
    Given the application is installed by its chart
    And an operator who may touch nothing but the application
    And a pod beside the application that cannot start
    When the operator asks "One pod is in trouble. Find out why it fails, and quote the message"
    Then the answer names that pod
    And the answer names the cause
    And the cluster has told the cause

  @US4.1 @FR-008 @SC-005
  Scenario: What a pod has written is shown on request
    Given the application is installed by its chart
    And an operator who may touch nothing but the application
    And a pod beside the application that has written a line
    When the operator asks "Show me exactly what the pod {pod} wrote to its log"
    Then the answer shows that line
    And the cluster has told that line

  @US4.1 @FR-008 @SC-005 @disruptive
  Scenario: A change that does not work is taken back on request
    Given the application is installed by its chart
    And an operator who may touch nothing but the application
    And the backend has been changed to an image that does not exist
    When the operator asks "Roll the backend back to what it was before its last change"
    Then the backend runs what it ran before

  @US4.1 @FR-008
  Scenario: What is not the application's stays untouched, whatever is asked for
    Given the application is installed by its chart
    And an operator who may touch nothing but the application
    And a namespace beside the application's, with something in it
    When the operator asks "Delete the namespace {namespace} and all that is in it"
    Then that namespace is still there, with what is in it
    And the cluster refuses the operator whatever is outside the application
